/*
 * A file system for SQLite that fails on demand: it hands everything to the real one, counts the calls that change a
 * file (write, sync, truncate), and lets the chosen one fail. Registered as the default, so that the store needs no
 * hook. One thread.
 */
#ifndef TESTS_UNIT_ALERTS_FAULT_VFS_H
#define TESTS_UNIT_ALERTS_FAULT_VFS_H

#include <stdbool.h>
#include <string.h>

#include <sqlite3.h>

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this struct */
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    int calls;   /* since fault_arm */
    int fail_at; /* from 1; 0: never */
    bool sticky; /* also all that come after */
    int failed;  /* how many were made to fail */
    int code;    /* with what */
} fault;

static inline sqlite3_file *fault_real(sqlite3_file *file)
{
    return ((struct fault_file *)(void *)file)->real;
}

static inline bool fault_strikes(void)
{
    fault.calls++;
    if (fault.fail_at == 0 || (fault.sticky ? fault.calls < fault.fail_at : fault.calls != fault.fail_at))
        return false;
    fault.failed++;
    return true;
}

static inline void fault_arm(int fail_at, bool sticky, int code)
{
    fault.calls = fault.failed = 0;
    fault.fail_at = fail_at;
    fault.sticky = sticky;
    fault.code = code;
}

#define FAULT_PASS(name, parameters, arguments)                                                                        \
    static int fault_##name parameters                                                                                 \
    {                                                                                                                  \
        sqlite3_file *real = fault_real(file);                                                                         \
        return real->pMethods->name arguments;                                                                         \
    }
#define FAULT_MAY_FAIL(name, parameters, arguments)                                                                    \
    static int fault_##name parameters                                                                                 \
    {                                                                                                                  \
        sqlite3_file *real = fault_real(file);                                                                         \
        return fault_strikes() ? fault.code : real->pMethods->name arguments;                                          \
    }

FAULT_PASS(xClose, (sqlite3_file * file), (real))
FAULT_PASS(xRead, (sqlite3_file * file, void *data, int size, sqlite3_int64 at), (real, data, size, at))
FAULT_MAY_FAIL(xWrite, (sqlite3_file * file, const void *data, int size, sqlite3_int64 at), (real, data, size, at))
FAULT_MAY_FAIL(xTruncate, (sqlite3_file * file, sqlite3_int64 size), (real, size))
FAULT_MAY_FAIL(xSync, (sqlite3_file * file, int flags), (real, flags))
FAULT_PASS(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), (real, size))
FAULT_PASS(xLock, (sqlite3_file * file, int level), (real, level))
FAULT_PASS(xUnlock, (sqlite3_file * file, int level), (real, level))
FAULT_PASS(xCheckReservedLock, (sqlite3_file * file, int *out), (real, out))
FAULT_PASS(xFileControl, (sqlite3_file * file, int operation, void *argument), (real, operation, argument))
FAULT_PASS(xSectorSize, (sqlite3_file * file), (real))
FAULT_PASS(xDeviceCharacteristics, (sqlite3_file * file), (real))
FAULT_PASS(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
           (real, page, size, extend, out))
FAULT_PASS(xShmLock, (sqlite3_file * file, int offset, int n, int flags), (real, offset, n, flags))
FAULT_PASS(xShmUnmap, (sqlite3_file * file, int remove), (real, remove))

static void fault_xShmBarrier(sqlite3_file *file)
{
    fault_real(file)->pMethods->xShmBarrier(fault_real(file));
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2, /* without memory mapping, so that every change is a call */
    .xClose = fault_xClose,
    .xRead = fault_xRead,
    .xWrite = fault_xWrite,
    .xTruncate = fault_xTruncate,
    .xSync = fault_xSync,
    .xFileSize = fault_xFileSize,
    .xLock = fault_xLock,
    .xUnlock = fault_xUnlock,
    .xCheckReservedLock = fault_xCheckReservedLock,
    .xFileControl = fault_xFileControl,
    .xSectorSize = fault_xSectorSize,
    .xDeviceCharacteristics = fault_xDeviceCharacteristics,
    .xShmMap = fault_xShmMap,
    .xShmLock = fault_xShmLock,
    .xShmBarrier = fault_xShmBarrier,
    .xShmUnmap = fault_xShmUnmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    struct fault_file *wrapped = (struct fault_file *)(void *)file;
    wrapped->real = (sqlite3_file *)(void *)(wrapped + 1);
    wrapped->base.pMethods = NULL;
    int code = fault.real->xOpen(fault.real, name, wrapped->real, flags, ret_flags);
    if (wrapped->real->pMethods)
        wrapped->base.pMethods = &fault_methods;
    return code;
}

/* Once, before any store is opened. */
static inline void fault_install(void)
{
    fault.real = sqlite3_vfs_find(NULL);
    fault.vfs = *fault.real; /* what is not replaced goes to the real one's functions */
    fault.vfs.zName = "fault";
    fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
    fault.vfs.xOpen = fault_open;
    fault.vfs.pNext = NULL;
    (void)sqlite3_vfs_register(&fault.vfs, 1);
}

#endif
