#ifdef __linux__
#define _GNU_SOURCE
#include "CLinux.h"

#include <assert.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

// `static const` objects are no constant expressions in C, so their values are written again.
static_assert(EPOLLIN == 0x001 && EPOLLPRI == 0x002 && EPOLLOUT == 0x004 && EPOLLERR == 0x008, "the kernel's values");
static_assert(EPOLLHUP == 0x010 && EPOLLRDHUP == 0x2000, "the kernel's values");

#define SAME(ours, theirs) static_assert(offsetof(struct linux_message, ours) == offsetof(struct mmsghdr, theirs), "")
SAME(header.name, msg_hdr.msg_name);
SAME(header.name_length, msg_hdr.msg_namelen);
SAME(header.vectors, msg_hdr.msg_iov);
SAME(header.vector_count, msg_hdr.msg_iovlen);
SAME(header.control, msg_hdr.msg_control);
SAME(header.control_length, msg_hdr.msg_controllen);
SAME(header.flags, msg_hdr.msg_flags);
SAME(length, msg_len);
static_assert(sizeof(struct linux_message) == sizeof(struct mmsghdr), "laid out as the system's");
static_assert(offsetof(struct linux_vector, length) == offsetof(struct iovec, iov_len), "laid out as the system's");

enum { maximum_events = 256 };

int linux_poll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int linux_counter_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static int control(int poll, int operation, int descriptor, uint32_t events, enum linux_trigger trigger,
                   uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    if (trigger == linux_edge) event.events |= EPOLLET;
    if (trigger == linux_level_exclusive) event.events |= EPOLLEXCLUSIVE;
    return epoll_ctl(poll, operation, descriptor, &event);
}

int linux_poll_add(int poll, int descriptor, uint32_t events, enum linux_trigger trigger, uint64_t token) {
    return control(poll, EPOLL_CTL_ADD, descriptor, events, trigger, token);
}

int linux_poll_change(int poll, int descriptor, uint32_t events, enum linux_trigger trigger, uint64_t token) {
    return control(poll, EPOLL_CTL_MOD, descriptor, events, trigger, token);
}

int linux_poll_remove(int poll, int descriptor) {
    return control(poll, EPOLL_CTL_DEL, descriptor, 0, linux_level, 0);
}

int linux_poll_wait(int poll, struct linux_event *events, int count, int milliseconds) {
    struct epoll_event raw[maximum_events];
    if (count > maximum_events) count = maximum_events;
    int found = epoll_wait(poll, raw, count, milliseconds);
    for (int i = 0; i < found; i++) {
        events[i].token = raw[i].data.u64;
        events[i].events = raw[i].events;
    }
    return found;
}

int linux_accept(int descriptor, void *address) {
    socklen_t length = sizeof(struct sockaddr_storage);
    return accept4(descriptor, address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int linux_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int linux_datagram_socket(int family) { return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int linux_unsent(int descriptor) {
    int count = 0;
    return ioctl(descriptor, TIOCOUTQ, &count) == 0 ? count : -1;
}

int linux_receive(int descriptor, struct linux_message *messages, unsigned int count) {
    return recvmmsg(descriptor, (struct mmsghdr *)messages, count, 0, NULL);
}

int linux_send(int descriptor, struct linux_message *messages, unsigned int count) {
    return sendmmsg(descriptor, (struct mmsghdr *)messages, count, MSG_NOSIGNAL);
}

void linux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
#else
// Swift packages want a translation unit.
typedef int clinux_is_empty_here;
#endif
