/* The HTTP server, asked through a plain socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "alerts/api.h"

static atomic_bool healthy, ready;
static struct metrics *metrics;
static struct api *api;

static bool probe_healthy(void *context, char *ret_reason, size_t size)
{
    (void)context;
    snprintf(ret_reason, size, "the store does not write");
    return atomic_load(&healthy);
}

static bool probe_ready(void *context, char *ret_reason, size_t size)
{
    (void)context;
    /* Longer than any buffer. */
    memset(ret_reason, 'x', size - 1);
    ret_reason[size - 1] = '\0';
    return atomic_load(&ready);
}

static int setup(void **state)
{
    (void)state;
    struct error error = {0};
    atomic_store(&healthy, true);
    atomic_store(&ready, true);
    assert_int_equal(metrics_new(&metrics), STATUS_OK);
    metric_add(metrics_counter(metrics, "weir_test_total", "A test.", NULL, NULL), 42);
    const struct api_probes probes = {probe_healthy, probe_ready, NULL};
    if (api_start("http://127.0.0.1:0", metrics, probes, &error, &api) != STATUS_OK)
        fail_msg("%s", error.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    api_stop(&api);
    assert_null(api);
    api_stop(&api);
    metrics_free(&metrics);
    return 0;
}

static int dial(void)
{
    static const char prefix[] = "http://127.0.0.1:";
    assert_int_equal(strncmp(api_address(api), prefix, sizeof prefix - 1), 0);
    long port = strtol(api_address(api) + sizeof prefix - 1, NULL, 10);
    assert_true(port > 0 && port <= 65535);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct timeval limit = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends `request` and reads until the server closes. */
static char *ask(const char *request, size_t size)
{
    static char answer[1 << 16];
    int fd = dial();
    while (size > 0) {
        ssize_t sent = send(fd, request, size, MSG_NOSIGNAL);
        if (sent <= 0)
            break; /* refused before it was all read */
        request += sent;
        size -= (size_t)sent;
    }
    size_t used = 0;
    ssize_t got;
    while (used < sizeof answer - 1 && (got = recv(fd, answer + used, sizeof answer - 1 - used, 0)) > 0)
        used += (size_t)got;
    answer[used] = '\0';
    close(fd);
    return answer;
}

static char *ask_for(const char *method, const char *path, const char *headers)
{
    char request[1024];
    int size = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method,
                        path, headers);
    return ask(request, (size_t)size);
}

static const char *body(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *headers;
        const char *status, *contains;
    } cases[] = {
        {"GET", "/metrics", "", "HTTP/1.1 200", "weir_test_total 42"},
        {"GET", "/metrics?x=1", "", "HTTP/1.1 200", "weir_test_total 42"},
        {"GET", "/healthz", "", "HTTP/1.1 200", "ok"},
        {"GET", "/readyz", "", "HTTP/1.1 200", "ok"},
        {"GET", "/", "", "HTTP/1.1 404", "not found"},
        {"GET", "/metrics/", "", "HTTP/1.1 404", "not found"},
        {"GET", "/../etc/passwd", "", "HTTP/1.1 404", "not found"},
        {"GET", "/%00", "", "HTTP/1.1 404", "not found"},
        {"POST", "/metrics", "Content-Length: 0\r\n", "HTTP/1.1 405", "Allow: GET, HEAD"},
        {"DELETE", "/healthz", "", "HTTP/1.1 405", "only GET and HEAD"},
        {"BREW", "/healthz", "", "HTTP/1.1 405", "only GET and HEAD"},
        {"GET", "/healthz", "Content-Length: 99999999999\r\n", "HTTP/1.1 413", "no request body"},
        {"GET", "/healthz", "Transfer-Encoding: chunked\r\n", "HTTP/1.1 413", "no request body"},
        {"POST", "/healthz", "Content-Length: 99999999999\r\n", "HTTP/1.1 405", "only GET and HEAD"},
    };
    static const char *const always[] = {"Cache-Control: no-store", "X-Content-Type-Options: nosniff",
                                         "Content-Security-Policy: default-src 'none'", "X-Frame-Options: DENY",
                                         "Content-Type: text/plain"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *answer = ask_for(cases[i].method, cases[i].path, cases[i].headers);
        if (strncmp(answer, cases[i].status, strlen(cases[i].status)) != 0 || !strstr(answer, cases[i].contains))
            fail_msg("case %zu: %s", i, answer);
        for (size_t k = 0; k < sizeof always / sizeof always[0]; k++)
            assert_non_null(strstr(answer, always[k]));
    }
}

static void test_head(void **state)
{
    (void)state;
    const char *answer = ask_for("HEAD", "/healthz", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
    assert_string_equal(body(answer), "");
    answer = ask_for("HEAD", "/nothing", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 404", 12), 0);
    assert_string_equal(body(answer), "");
}

static void test_probes(void **state)
{
    (void)state;
    atomic_store(&healthy, false);
    atomic_store(&ready, false);
    const char *answer = ask_for("GET", "/healthz", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 503", 12), 0);
    assert_string_equal(body(answer), "the store does not write\n");
    answer = ask_for("GET", "/readyz", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 503", 12), 0);
    assert_non_null(strstr(answer, "xxxx"));
    answer = ask_for("GET", "/metrics", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
}

static void test_hostile(void **state)
{
    (void)state;
    static char large[1 << 18];
    memset(large, 'a', sizeof large);
    static const char begin[] = {'G', 'E', 'T', ' ', '/'};
    memcpy(large, begin, sizeof begin);
    (void)ask(large, sizeof large); /* an endless address: refused or cut off, never taken */
    static const char noise[] = "\x16\x03\x01\x02\x00\x01\xff\xff\r\n\r\n";
    (void)ask(noise, sizeof noise - 1);
    int silent = dial(); /* says nothing; others are served meanwhile */
    const char *answer = ask_for("GET", "/healthz", "");
    assert_int_equal(strncmp(answer, "HTTP/1.1 200", 12), 0);
    close(silent);
}

static void test_listen(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "127.0.0.1:80",
        "https://127.0.0.1:80",
        "http://127.0.0.1",
        "http://127.0.0.1:",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:-1",
        "http://127.0.0.1:80x",
        "http://127.0.0.1:80/path",
        "http://example.com:80",
        "http://:80",
        "http://[::1:80",
        "http://[127.0.0.1]:80",
        "http://1111111111111111111111111111111111111111111111111111111111111111111111:80",
    };
    struct api_probes probes = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct api *other = NULL;
        struct error error = {0};
        assert_int_equal(api_start(bad[i], metrics, probes, &error, &other), STATUS_INVALID);
        assert_non_null(strstr(error.text, "http://127.0.0.1:8750"));
        assert_null(other);
    }
    struct api *other = NULL;
    struct error error = {0};
    assert_int_equal(api_start(api_address(api), metrics, probes, &error, &other), STATUS_SYSTEM); /* taken */
    assert_non_null(strstr(error.text, "in use"));
    assert_int_equal(api_start("http://localhost:0/", metrics, probes, &error, &other), STATUS_OK);
    api_stop(&other);
    if (api_start("http://[::1]:0", metrics, probes, &error, &other) == STATUS_OK)
        assert_non_null(strstr(api_address(other), "http://[::1]:"));
    api_stop(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_answers), TEST(test_head), TEST(test_probes), TEST(test_hostile), TEST(test_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
