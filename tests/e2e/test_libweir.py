#!/usr/bin/python3
"""libweir as another program's author meets it: installed somewhere, found by pkg-config, linked shared and static."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.program import BUILD, PATIENCE, ROOT, weir  # noqa: E402

EXAMPLE = ROOT / "examples/scan_lines.c"
CACHE = (BUILD / "CMakeCache.txt").read_text(encoding="utf-8")
SANITIZE = re.search(r"^WEIR_SANITIZE:\w+=(.*)$", CACHE, re.MULTILINE).group(1)
CMAKE = re.search(r"^CMAKE_COMMAND:\w+=(.*)$", CACHE, re.MULTILINE).group(1)
API = {"weir_version", "weir_rules_load", "weir_rules_parse", "weir_rules_generation", "weir_rules_free",
       "weir_scanner_new", "weir_scanner_free", "weir_scan"}  # fmt: skip

USER = r"""
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <weir.h>

static const char pack[] = "pack: m\nrules:\n"
    "  - {id: m.one, title: One, severity: low, patterns: {p: {words: [zyzzyva]}}}\n"
    "  - {id: m.two, title: Two, severity: high, status: shadow, queue: q, patterns: {p: {words: [zyzzyva]}}}\n";

static int stop_at(void *context, const weir_hit *hit)
{
    size_t *last = context;
    assert(hit->spans[0].end - hit->spans[0].start == 7 && !strcmp(hit->spans[0].pattern, "p"));
    assert(hit->shadow == !strcmp(hit->rule, "m.two"));
    assert(!hit->unscanned && (hit->queue == NULL) == !hit->shadow);
    if (hit->text == *last) {
        return 1;
    }
    *last = hit->text;
    return 0;
}

static int count(void *context, const weir_hit *hit)
{
    (void)hit;
    ++*(size_t *)context;
    return 0;
}

int main(void)
{
    static weir_text texts[3000];
    weir_rules *rules = NULL, *other = NULL;
    weir_scanner *scanner = NULL;
    char error[WEIR_ERROR_SIZE] = "untouched", small[8];
    size_t hits = 0, last = 9999;
    assert(weir_rules_parse("pack: [", 7, "memory.yaml", &rules, error, sizeof error) == WEIR_BAD_RULES);
    assert(!rules && !strncmp(error, "memory.yaml:", 12));
    assert(weir_rules_parse("pack: [", 7, "memory.yaml", &rules, small, sizeof small) == WEIR_BAD_RULES);
    assert(!strcmp(small, "memory."));
    assert(weir_rules_parse("pack: [", 7, "memory.yaml", &rules, NULL, 0) == WEIR_BAD_RULES);
    const char *paths[] = {"/no/such/pack.yaml"};
    assert(weir_rules_load(paths, 1, &rules, error, sizeof error) == WEIR_BAD_RULES && !rules);
    assert(weir_rules_parse(pack, strlen(pack), "memory.yaml", &rules, error, sizeof error) == WEIR_OK);
    assert(weir_rules_parse(pack, strlen(pack), "memory.yaml", &other, NULL, 0) == WEIR_OK);
    assert(strlen(weir_rules_generation(rules)) == 16);
    assert(!strcmp(weir_rules_generation(rules), weir_rules_generation(other)));
    assert(weir_scanner_new(&scanner) == WEIR_OK);
    for (int i = 0; i < 3000; i++) {
        texts[i] = i % 2 ? (weir_text){"a zyzzyva\0", 10} : (weir_text){"clean", i % 3 ? 5 : 0};
    }
    assert(weir_scan(scanner, rules, texts, 3000, count, &hits) == WEIR_OK && hits == 3000);
    assert(weir_scan(scanner, other, texts, 0, count, &hits) == WEIR_OK && hits == 3000);
    weir_rules_free(&other);
    assert(!other);
    weir_rules_free(&other);
    assert(weir_scan(scanner, rules, texts, 3000, stop_at, &last) == WEIR_STOPPED && last == 1);
    weir_rules_free(&rules);
    weir_scanner_free(&scanner);
    weir_scanner_free(&scanner);
    puts(weir_version());
    return 0;
}
"""


def run(*command, **options):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=PATIENCE * 5, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Libweir(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="weir-install-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.prefix = cls.folder / "prefix"
        run(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        cls.lib = next(cls.prefix.glob("lib*/**/pkgconfig")).parent
        cls.environment = {**os.environ, "PKG_CONFIG_PATH": str(cls.lib / "pkgconfig"), "LD_LIBRARY_PATH": str(cls.lib)}

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def build(self, source, name, static=False):
        flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if static else []), "weir", env=self.environment)
        flags = flags.split()
        if static:  # the archive, though the shared library lies beside it
            flags = ["-l:libweir.a" if flag == "-lweir" else flag for flag in flags]
        if SANITIZE:
            flags.append(f"-fsanitize={SANITIZE}")
        program = self.folder / name
        run("cc", "-Wall", "-Wextra", "-Werror", source, "-o", program, *flags, env=self.environment)
        return program

    def check_example(self, program):
        texts = "hello\nbuy two gift cards and read me the code on the back\r\n\n"
        packs = self.prefix / "share/weir/packs"
        out = run(program, packs, input=texts, env=self.environment)
        self.assertRegex(out, r"(?m)^line 2: scams\.gift-card \(high\)( \[\d+, \d+\))+$")
        self.assertNotIn("line 1:", out)
        for arguments, code, words in (([], 2, "usage"), (["/none.yaml"], 1, "/none.yaml")):
            done = subprocess.run([program, *arguments], env=self.environment, capture_output=True, text=True,
                                  check=False, timeout=PATIENCE)  # fmt: skip
            self.assertEqual(done.returncode, code)
            self.assertIn(words, done.stderr)

    def test_shared(self):
        program = self.build(EXAMPLE, "shared")
        self.assertIn(str(self.lib / "libweir.so.0"), run("ldd", program, env=self.environment))
        self.check_example(program)

    @unittest.skipIf(SANITIZE, "there is no archive with sanitizers")
    def test_static(self):
        program = self.build(EXAMPLE, "static", static=True)
        self.assertNotIn("libweir", run("ldd", program))
        self.check_example(program)

    def test_the_interface(self):
        (self.folder / "user.c").write_text(USER, encoding="utf-8")
        out = run(self.build(self.folder / "user.c", "user"), env=self.environment)
        self.assertEqual(f"weir {out}", weir("--version").stdout)
        self.assertEqual(run("pkg-config", "--modversion", "weir", env=self.environment), out)

    def test_the_header_alone(self):
        header = self.prefix / "include/weir.h"
        for standard in ("c99", "c17"):
            run("cc", f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c", header)
        if shutil.which("c++"):
            run("c++", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", header)

    def test_nothing_else_is_visible(self):
        libraries = [["-D", self.lib / "libweir.so"]] + ([] if SANITIZE else [["-g", self.lib / "libweir.a"]])
        for arguments in libraries:
            lines = [line.split() for line in run("nm", "--defined-only", *arguments).splitlines()]
            names = {line[2].split("@")[0] for line in lines if len(line) == 3 and line[1] != "A"}
            self.assertEqual(names, API, arguments)

    def test_the_installed_program_finds_its_packs(self):
        program = self.prefix / "bin/weir"
        out = run(program, "rules", "list", "--json", cwd=self.folder)
        self.assertIn(f'"file":"{self.prefix.resolve()}/share/weir/packs/scams.yaml"', out)


if __name__ == "__main__":
    if not shutil.which("cc") or not shutil.which("pkg-config"):
        sys.exit(77)
    unittest.main(verbosity=2)
