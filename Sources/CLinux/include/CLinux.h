// System calls that the C library's Swift module hides: those of <sys/epoll.h>, and those only declared with
// _GNU_SOURCE. Nothing but calls; empty on other systems.
#ifndef CLINUX_H
#define CLINUX_H

#include "process.h"

#ifdef __linux__

// Not <sys/socket.h>: its structures would then be this module's in the eyes of Swift.
#include <stddef.h>
#include <stdint.h>

/// Events of epoll_ctl(2).
static const uint32_t linux_poll_in = 0x001;
static const uint32_t linux_poll_urgent = 0x002;
static const uint32_t linux_poll_out = 0x004;
static const uint32_t linux_poll_error = 0x008;
static const uint32_t linux_poll_hang_up = 0x010;
static const uint32_t linux_poll_read_hang_up = 0x2000;

/// How a descriptor is watched.
enum linux_trigger {
    /// As long as it is ready.
    linux_level,
    /// As long as it is ready, waking one of several watchers (EPOLLEXCLUSIVE).
    linux_level_exclusive,
    /// When it becomes ready (EPOLLET).
    linux_edge,
};

/// One event, unpacked.
struct linux_event {
    uint64_t token;
    uint32_t events;
};

/// A descriptor or -1.
int linux_poll_create(void);
/// A descriptor of an event counter (eventfd(2)) or -1.
int linux_counter_create(void);
/// 0 or -1.
int linux_poll_add(int poll, int descriptor, uint32_t events, enum linux_trigger trigger, uint64_t token);
int linux_poll_change(int poll, int descriptor, uint32_t events, enum linux_trigger trigger, uint64_t token);
int linux_poll_remove(int poll, int descriptor);
/// The number of events put into `events` (`count` of room, 1...256), or -1.
int linux_poll_wait(int poll, struct linux_event *events, int count, int milliseconds);

/// A non-blocking, close-on-exec socket, or -1. `address` has room for a `struct sockaddr_storage`.
int linux_accept(int descriptor, void *address);
int linux_stream_socket(int family);
int linux_datagram_socket(int family);

/// Bytes of a stream socket that its peer has not acknowledged, or -1.
int linux_unsent(int descriptor);

/// One piece of memory; laid out as `struct iovec`.
struct linux_vector {
    void *base;
    size_t length;
};

/// Where a message comes from or goes to; laid out as `struct msghdr`.
struct linux_header {
    void *name;
    uint32_t name_length;
    struct linux_vector *vectors;
    size_t vector_count;
    void *control;
    size_t control_length;
    int flags;
};

/// One message of recvmmsg(2) and sendmmsg(2); laid out as `struct mmsghdr`.
struct linux_message {
    struct linux_header header;
    /// Bytes received or sent.
    unsigned int length;
};

/// Messages received or sent, or -1.
int linux_receive(int descriptor, struct linux_message *messages, unsigned int count);
int linux_send(int descriptor, struct linux_message *messages, unsigned int count);

/// Names the calling thread; at most 15 bytes.
void linux_name_thread(const char *name);

#endif
#endif
