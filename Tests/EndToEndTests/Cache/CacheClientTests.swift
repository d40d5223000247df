// Programs people use, over HTTP that is kept.
import Foundation
import Testing

extension EndToEnd {
    @Suite struct CacheClientTests {
        @Test func `wget fetches, asks for newer and continues`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let body = Pattern.bytes(300_000)
                let fields = ["Cache-Control: max-age=60", "Last-Modified: Mon, 06 Oct 2025 10:00:00 GMT"]
                pair.origin.on("/a.bin", ScriptedAnswer(fields, body))
                let directory = stage.workspace.unusedPath("wget")
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
                let proxy = ["http_proxy": "http://\(pair.running.front)"]
                let common = ["-nv", "-T", "5", "-t", "1", "-P", directory]
                func wget(_ arguments: [String]) throws -> Finished {
                    try stage.run(Tool.wget.path(), common + arguments + [pair.url("/a.bin")], environment: proxy)
                }
                let file = "\(directory)/a.bin"
                for arguments in [[], ["-N"], ["-N"]] {
                    let result = try wget(arguments)
                    #expect(result.exit == .status(0), "\(arguments): \(result.errors)")
                    #expect(FileManager.default.contents(atPath: file) == Data(body))
                }
                try Data(body[..<100_000]).write(to: URL(fileURLWithPath: file))
                let rest = try wget(["-c"])
                #expect(rest.exit == .status(0), "\(rest.errors)")
                #expect(FileManager.default.contents(atPath: file) == Data(body))
                #expect(pair.origin.count("/a.bin") == 1)
            }
        }

        @Test func `git clones from files`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let place = stage.workspace.unusedPath("git")
                let script = """
                    set -e; mkdir "$1"; cd "$1"; git init -q -b main work; cd work
                    git config user.name n; git config user.email n@example.org
                    seq 20000 > numbers; git add numbers; git commit -qm one
                    git tag v1; cd ..; git clone -q --bare work served.git; cd served.git; git update-server-info
                    """
                let made = try stage.run("/bin/sh", ["-c", script, "sh", place])
                #expect(made.exit == .status(0), "\(made.errors)")
                try pair.serveFiles(below: place, "Cache-Control: max-age=60")
                for index in 1...2 {
                    let copy = "\(place)/copy\(index)"
                    let proxy = "http.proxy=socks5h://\(pair.running.front)"
                    let git = try Tool.git.path()
                    let arguments = ["-c", proxy, "clone", "-q", pair.url("/served.git"), copy]
                    let cloned = try stage.run(git, arguments, environment: ["GIT_TERMINAL_PROMPT": "0"])
                    #expect(cloned.exit == .status(0), "\(cloned.errors)")
                    let ours = FileManager.default.contents(atPath: "\(copy)/numbers")
                    #expect(ours != nil && ours == FileManager.default.contents(atPath: "\(place)/work/numbers"))
                }
                let asked = pair.origin.requests.map(\.path).filter { $0.contains("/objects/") && !$0.contains("info") }
                #expect(!asked.isEmpty && Set(asked).count == asked.count, "each object is fetched once")
            }
        }

        @Test func `pip downloads a wheel, the second time without the origin`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let place = stage.workspace.unusedPath("index")
                let script = """
                    import os, sys, zipfile
                    root = sys.argv[1]; name = 'made_up-1.0-py3-none-any.whl'
                    os.makedirs(root + '/simple/made-up')
                    with zipfile.ZipFile(root + '/simple/made-up/' + name, 'w') as wheel:
                        wheel.writestr('made_up.py', 'x = 1\\n' * 20000)
                        info = 'made_up-1.0.dist-info/'
                        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: made-up\\nVersion: 1.0\\n')
                        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
                        wheel.writestr(info + 'RECORD', '')
                    with open(root + '/simple/made-up/index.html', 'w') as page:
                        page.write('<!DOCTYPE html><a href="' + name + '">' + name + '</a>')
                    """
                let python = try Tool.python3.path()
                let made = try stage.run(python, ["-c", script, place])
                #expect(made.exit == .status(0), "\(made.errors)")
                try pair.serveFiles(below: place, "Cache-Control: max-age=60")
                for index in 1...2 {
                    let result = try stage.run(
                        python,
                        [
                            "-m", "pip", "download", "-q", "--no-cache-dir", "--disable-pip-version-check", "--no-deps",
                            "--timeout", "5", "--retries", "0", "--proxy", "http://\(pair.running.front)",
                            "--index-url", pair.url("/simple/"), "--trusted-host", "localhost",
                            "-d", "\(place)/copy\(index)", "made-up",
                        ], seconds: 30)
                    #expect(result.exit == .status(0), "\(result.errors)")
                    let name = "made_up-1.0-py3-none-any.whl"
                    let ours = FileManager.default.contents(atPath: "\(place)/copy\(index)/\(name)")
                    #expect(
                        ours != nil && ours == FileManager.default.contents(atPath: "\(place)/simple/made-up/\(name)"))
                }
                #expect(pair.origin.requests.filter { $0.path.hasSuffix(".whl") }.count == 1)
            }
        }

        @Test func `apt updates and downloads through SOCKS, the second time without the origin`() throws {
            try onStage { stage in
                let pair = try CachePair(stage)
                let place = stage.workspace.unusedPath("apt")
                let script = """
                    set -e; mkdir -p "$1/tree/DEBIAN" "$1/tree/opt"; cd "$1"; seq 30000 > tree/opt/made-up
                    printf 'Package: made-up\\nVersion: 1.0\\nArchitecture: all\\nMaintainer: n <n@example.org>\\nDescription: d\\n' \
                        > tree/DEBIAN/control
                    dpkg-deb --root-owner-group -b tree made-up.deb > /dev/null
                    { cat tree/DEBIAN/control; echo 'Filename: ./made-up.deb'; echo "Size: $(wc -c < made-up.deb)"
                      echo "SHA256: $(sha256sum made-up.deb | cut -d' ' -f1)"; } > Packages
                    printf 'Date: %s\\nSHA256:\\n %s %s Packages\\n' "$(date -Ru)" \
                        "$(sha256sum Packages | cut -d' ' -f1)" "$(wc -c < Packages)" > Release
                    for n in 1 2; do mkdir -p r$n/etc/apt.conf.d r$n/etc/preferences.d r$n/state/lists/partial \
                        r$n/cache/archives/partial r$n/out; : > r$n/state/status
                        echo "deb [trusted=yes] $2 ./" > r$n/etc/sources.list; done
                    """
                let made = try stage.run("/bin/sh", ["-c", script, "sh", place, pair.url("")])
                #expect(made.exit == .status(0), "\(made.errors)")
                try pair.serveFiles(below: place, "Cache-Control: max-age=60")
                for index in 1...2 { try Self.apt(stage, pair, "\(place)/r\(index)", "\(place)/made-up.deb") }
                #expect(pair.origin.requests.filter { $0.path.hasSuffix(".deb") }.count == 1)
            }
        }

        private static func apt(_ stage: Stage, _ pair: CachePair, _ root: String, _ package: String) throws {
            let options = [
                "Dir::Etc=\(root)/etc", "Dir::Etc::sourcelist=\(root)/etc/sources.list", "Dir::Etc::sourceparts=-",
                "Dir::Etc::parts=\(root)/etc/apt.conf.d", "Dir::State=\(root)/state",
                "Dir::State::status=\(root)/state/status", "Dir::Cache=\(root)/cache", "APT::Sandbox::User=",
                "Acquire::http::Proxy=socks5h://\(pair.running.front)", "Acquire::Retries=0",
                "Acquire::http::Timeout=5", "Acquire::Languages=none", "APT::Architecture=amd64",
            ].flatMap { ["-o", $0] }
            let script = "cd \"$0\" && exec \"$@\""
            for arguments in [["update"], ["download", "made-up"]] {
                let command = ["-c", script, "\(root)/out", try Tool.aptGet.path()] + options + ["-q"] + arguments
                let result = try stage.run("/bin/sh", command, seconds: 30)
                #expect(result.exit == .status(0), "\(arguments): \(result.errors) \(result.output)")
            }
            let file = "\(root)/out/made-up_1.0_all.deb"
            let ours = FileManager.default.contents(atPath: file)
            #expect(ours != nil && ours == FileManager.default.contents(atPath: package))
        }
    }
}

extension CachePair {
    /// Serves the files below a directory as they are now, each with `control` and an ETag; index.html where a path ends so.
    func serveFiles(below root: String, _ control: String) throws {
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            guard let data = FileManager.default.contents(atPath: "\(root)/\(name)") else { continue }
            let digest = Digest()
            digest.add([UInt8](data))
            let type = name.hasSuffix(".html") ? ["Content-Type: text/html"] : []
            let answer = ScriptedAnswer([control, "ETag: \"\(digest.hex())\""] + type, [UInt8](data))
            for path in ["/\(name)", "/./\(name)"] { origin.on(path, answer) }
            if name.hasSuffix("/index.html") { origin.on("/\(name.dropLast(10))", answer) }
            // git's first question.
            if name.hasSuffix("info/refs") { origin.on("/\(name)?service=git-upload-pack", answer) }
        }
    }
}
