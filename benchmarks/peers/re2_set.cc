// RE2::Set over all patterns, one Match a message. One JSON line.
//
//     re2_set EXPRESSIONS MESSAGES.lines [ROUNDS]

#include <re2/re2.h>
#include <re2/set.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr int64_t kMemory = int64_t{1} << 30;  // for its automata; the default of 8 MiB is far too little here

std::vector<std::string> ReadLines(const char *path)
{
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        std::fprintf(stderr, "re2_set: cannot read: %s\n", path);
        std::exit(3);
    }
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

double Now(clockid_t clock)
{
    timespec now;
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: re2_set EXPRESSIONS MESSAGES.lines [ROUNDS]\n");
        return 2;
    }
    int rounds = std::max(1, argc > 3 ? std::atoi(argv[3]) : 3);
    RE2::Options options;
    options.set_case_sensitive(false);
    options.set_dot_nl(true);
    options.set_log_errors(false);
    options.set_max_mem(kMemory);
    RE2::Set set(options, RE2::UNANCHORED);
    size_t patterns = 0, left_out = 0, flagged = 0, failed = 0;
    double started = Now(CLOCK_MONOTONIC);
    for (const std::string &expression : ReadLines(argv[1])) {
        if (set.Add(expression, nullptr) >= 0)
            patterns++;
        else
            left_out++;
    }
    if (!set.Compile()) {
        std::fprintf(stderr, "re2_set: the set does not compile in %lld bytes\n", static_cast<long long>(kMemory));
        return 1;
    }
    double load = (Now(CLOCK_MONOTONIC) - started) * 1e-9;
    std::vector<std::string> messages = ReadLines(argv[2]);
    std::vector<double> times;
    std::vector<int> found;
    for (int round = 0; round < rounds; round++) {
        flagged = failed = 0;
        started = Now(CLOCK_THREAD_CPUTIME_ID);
        for (const std::string &message : messages) {
            RE2::Set::ErrorInfo fault;
            if (set.Match(message, &found, &fault))
                flagged++;
            else if (fault.kind != RE2::Set::kNoError)
                failed++;
        }
        times.push_back((Now(CLOCK_THREAD_CPUTIME_ID) - started) / static_cast<double>(messages.size()));
    }
    std::sort(times.begin(), times.end());
    std::printf("{\"patterns\": %zu, \"left_out\": %zu, \"messages\": %zu, \"ns\": %.1f, \"flagged\": %zu, "
                "\"failed\": %zu, \"load_seconds\": %.3f}\n",
                patterns, left_out, messages.size(), times[times.size() / 2], flagged, failed, load);
    return 0;
}
