# A web server for the self-check of scripts/run, in what perl-base has: it serves one file to GET and sends
# back what POST brought. It listens on loopback, prints its port, and ends when its standard input does.
use strict;
use warnings;
use IO::Socket::INET;

my $file = shift @ARGV or die "usage: self-check-origin.pl FILE < PIPE\n";
open my $in, '<:raw', $file or die "$file: $!\n";
my $page = do { local $/; <$in> };
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 16, Proto => 'tcp')
    or die "cannot listen: $!\n";
$| = 1;
print $listener->sockport, "\n";

# Whoever started this holds the other end of standard input; when it goes, for whatever reason, so do we.
my $parent = $$;
my $watcher = fork() // die "fork: $!\n";
if ($watcher == 0) {
    close $listener;
    1 while sysread STDIN, my $ignored, 4096;
    kill 'TERM', $parent;
    exit 0;
}
$SIG{TERM} = sub { kill 'TERM', $watcher; exit 0 };
$SIG{PIPE} = 'IGNORE';

while (my $client = $listener->accept) {
    binmode $client;
    my ($method, $length) = ('', 0);
    while (my $line = <$client>) {
        $method = $1 if !$method && $line =~ /^([A-Z]+) /;
        $length = $1 if $line =~ /^content-length:\s*(\d+)/i;
        print $client "HTTP/1.1 100 Continue\r\n\r\n" if $line =~ /^expect:\s*100-continue/i;
        last if $line =~ /^\r?\n$/;
    }
    my $body = $page;
    if ($method eq 'POST') {
        $body = '';
        while (length $body < $length) {
            last unless read $client, $body, $length - length $body, length $body;
        }
    }
    print $client "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ",
        length $body, "\r\nConnection: close\r\n\r\n", $body;
    close $client;
}
