#include "alerts/api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define API_METRICS_SIZE_MAX (64u << 20)
#define API_CONNECTIONS_MAX 64u
#define API_CONNECTION_MEMORY (16u << 10) /* request line and headers */
#define API_TIMEOUT_SECONDS 10u
#define API_BACKLOG 64

struct api {
    struct MHD_Daemon *daemon;
    struct metrics *metrics;
    struct api_probes probes;
    char address[128];
};

static enum MHD_Result api_send(struct MHD_Connection *connection, unsigned code, const char *type,
                                struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    static const char *const headers[][2] = {
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    enum MHD_Result result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0] && result == MHD_YES; i++)
        result = MHD_add_response_header(response, headers[i][0], headers[i][1]);
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED && result == MHD_YES)
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (code == MHD_HTTP_CONTENT_TOO_LARGE && result == MHD_YES)
        result = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (result == MHD_YES)
        result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result api_send_text(struct MHD_Connection *connection, unsigned code, const char *text)
{
    char body[512];
    int size = snprintf(body, sizeof body, "%s\n", text);
    if (size < 0 || (size_t)size >= sizeof body)
        size = sizeof body - 1;
    return api_send(connection, code, "text/plain; charset=utf-8",
                    MHD_create_response_from_buffer((size_t)size, body, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result api_send_metrics(const struct api *api, struct MHD_Connection *connection)
{
    struct buffer out = BUFFER_INIT(API_METRICS_SIZE_MAX);
    if (metrics_render(api->metrics, &out) != STATUS_OK) {
        buffer_free(&out);
        return api_send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the metrics do not fit into memory");
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(out.size, out.data, MHD_RESPMEM_MUST_COPY);
    buffer_free(&out);
    return api_send(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", response);
}

static enum MHD_Result api_send_probe(const struct api *api, struct MHD_Connection *connection,
                                      bool (*probe)(void *context, char *ret_reason, size_t size))
{
    char reason[256] = "";
    if (!probe || probe(api->probes.context, reason, sizeof reason))
        return api_send_text(connection, MHD_HTTP_OK, "ok");
    reason[sizeof reason - 1] = '\0';
    return api_send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, reason[0] ? reason : "no");
}

/* No request has use for a body: one that announces a body is refused before any of it is read. */
static bool api_has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strcmp(length, "0") != 0)
        return true;
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
}

/* The signature is the library's. */
// NOLINTBEGIN(readability-non-const-parameter)
static enum MHD_Result api_answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload_data, size_t *upload_data_size, void **state)
// NOLINTEND(readability-non-const-parameter)
{
    const struct api *api = context;
    (void)version;
    (void)upload_data;
    (void)upload_data_size;
    (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return api_send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered here");
    if (api_has_body(connection))
        return api_send_text(connection, MHD_HTTP_CONTENT_TOO_LARGE, "no request body is taken here");
    if (strcmp(url, "/metrics") == 0)
        return api_send_metrics(api, connection);
    if (strcmp(url, "/healthz") == 0)
        return api_send_probe(api, connection, api->probes.healthy);
    if (strcmp(url, "/readyz") == 0)
        return api_send_probe(api, connection, api->probes.ready);
    return api_send_text(connection, MHD_HTTP_NOT_FOUND, "not found; there are /metrics, /healthz and /readyz");
}

union api_socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "http://HOST:PORT" with a numeric host, [IPv6] or localhost: names that need a look-up could mean anything. */
static enum status api_parse(const char *listen_text, struct error *error, union api_socket_address *ret_address,
                             socklen_t *ret_size)
{
    static const char scheme[] = "http://";
    char host[64];
    const char *rest = listen_text;
    union api_socket_address address = {0};
    const char *colon = NULL;
    if (strncmp(rest, scheme, sizeof scheme - 1) == 0) {
        rest += sizeof scheme - 1;
        colon = strrchr(rest, ':');
    }
    char *end = NULL;
    errno = 0;
    long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : -1;
    bool good = port >= 0 && port <= 65535 && end && (*end == '\0' || strcmp(end, "/") == 0) &&
                (size_t)(colon - rest) < sizeof host;
    if (good) {
        memcpy(host, rest, (size_t)(colon - rest));
        host[colon - rest] = '\0';
        size_t size = strlen(host);
        if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
            host[size - 1] = '\0';
            address.v6.sin6_family = AF_INET6;
            address.v6.sin6_port = htons((uint16_t)port);
            good = inet_pton(AF_INET6, host + 1, &address.v6.sin6_addr) == 1;
        } else {
            address.v4.sin_family = AF_INET;
            address.v4.sin_port = htons((uint16_t)port);
            good = inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address.v4.sin_addr) == 1;
        }
    }
    if (!good) {
        error_set(error, "'%s' is no address to listen on; expected one like http://127.0.0.1:8750", listen_text);
        return STATUS_INVALID;
    }
    *ret_size = address.any.sa_family == AF_INET6 ? sizeof address.v6 : sizeof address.v4;
    *ret_address = address;
    return STATUS_OK;
}

/* Opened here and not by the library, because it would not say why it failed. */
static enum status api_open_socket(const char *listen_text, struct error *error, int *ret_fd, struct api *api)
{
    union api_socket_address address;
    socklen_t size;
    enum status status = api_parse(listen_text, error, &address, &size);
    if (status != STATUS_OK)
        return status;
    int on = 1;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, &address.any, size) != 0 ||
        listen(fd, API_BACKLOG) != 0 || getsockname(fd, &address.any, &size) != 0) {
        error_set(error, "cannot listen on '%s': %s", listen_text, strerror(errno));
        if (fd >= 0)
            close(fd);
        return STATUS_SYSTEM;
    }
    char host[INET6_ADDRSTRLEN] = "";
    if (address.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host);
        snprintf(api->address, sizeof api->address, "http://[%s]:%u", host, ntohs(address.v6.sin6_port));
    } else {
        (void)inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host);
        snprintf(api->address, sizeof api->address, "http://%s:%u", host, ntohs(address.v4.sin_port));
    }
    *ret_fd = fd;
    return STATUS_OK;
}

enum status api_start(const char *listen, struct metrics *metrics, struct api_probes probes, struct error *error,
                      struct api **ret_api)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api) {
        error_set(error, "cannot start the HTTP server: out of memory");
        return STATUS_NO_MEMORY;
    }
    api->metrics = metrics;
    api->probes = probes;
    int fd = -1;
    enum status status = api_open_socket(listen, error, &fd, api);
    if (status != STATUS_OK) {
        free(api);
        return status;
    }
    /* One internal thread serves every connection; from here on it owns the socket. */
    api->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, api_answer, api,
                                   MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, API_CONNECTIONS_MAX,
                                   MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)API_CONNECTION_MEMORY,
                                   MHD_OPTION_CONNECTION_TIMEOUT, API_TIMEOUT_SECONDS, MHD_OPTION_END);
    if (!api->daemon) {
        error_set(error, "cannot start the HTTP server on '%s'", listen);
        close(fd);
        free(api);
        return STATUS_SYSTEM;
    }
    *ret_api = api;
    return STATUS_OK;
}

const char *api_address(const struct api *api)
{
    return api->address;
}

void api_stop(struct api **api)
{
    if (!*api)
        return;
    MHD_stop_daemon((*api)->daemon);
    free(*api);
    *api = NULL;
}
