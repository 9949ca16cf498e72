"""Turns what was measured into tables: for a terminal, and as Markdown for the manual."""


def number(value, digits=0):
    return "" if value is None else f"{value:,.{digits}f}"


def times(value):
    return "" if value is None else f"{value:.2f} x" if value < 20 else f"{value:,.0f} x"


def mebibytes(value):
    return "" if value is None else f"{value / (1 << 20):,.0f}"


def seconds(value):
    return "" if value is None else f"{value:.2f}"


MAIN = (
    ("rules", lambda row: row["rules"]),
    ("messages", lambda row: row["messages"]),
    ("ns/message", lambda row: number(row["ns_per_message"])),
    ("messages/s", lambda row: number(row["messages_per_second"])),
    ("MB/s", lambda row: number(row["mb_per_second"], 1)),
    ("baseline ns", lambda row: number(row["baseline_ns_per_message"])),
    ("ratio", lambda row: times(row["ratio"])),
    ("candidates", lambda row: number(row["candidates"], 2)),
    ("confirmations", lambda row: number(row["confirmations"], 2)),
    ("flagged", lambda row: number(row["flagged"])),
    ("baseline flagged", lambda row: number(row["baseline_flagged"])),
    ("cold s", lambda row: seconds(row.get("load_cold_seconds"))),
    ("cached s", lambda row: seconds(row.get("load_cached_seconds"))),
    ("peak MiB", lambda row: mebibytes(row.get("resident_peak_bytes"))),
)
LOAD = (
    ("rules", lambda row: row["rules"]),
    ("patterns", lambda row: number(row["patterns"])),
    ("refused", lambda row: number(row["refused"])),
    ("cold s", lambda row: seconds(row["load_cold_seconds"])),
    ("cached s", lambda row: seconds(row["load_cached_seconds"]) or "n/a"),
    ("peak MiB", lambda row: mebibytes(row["resident_peak_bytes"])),
    ("resident MiB", lambda row: mebibytes(row["resident_bytes"])),
    ("baseline takes", lambda row: number(row["baseline_patterns"])),
    ("baseline s", lambda row: seconds(row["baseline_compile_seconds"])),
    ("baseline MiB", lambda row: mebibytes(row["baseline_bytes"])),
)
PEERS = (
    ("rules", lambda row: row["rules"]),
    ("messages", lambda row: row["messages"]),
    ("peer", lambda row: row["peer"]),
    ("patterns", lambda row: number(row.get("patterns"))),
    ("left out", lambda row: number(row.get("left_out"))),
    ("ns/message", lambda row: number(row.get("ns"))),
    ("Weir ns", lambda row: number(row.get("weir_ns"))),
    ("Weir is", lambda row: times(row.get("ratio"))),
    ("flagged", lambda row: number(row.get("flagged"))),
    ("Weir flagged", lambda row: number(row.get("weir_flagged"))),
    ("", lambda row: row.get("note", "")),
)
BATCHES = (
    ("rules", lambda row: row["rules"]),
    ("messages", lambda row: row["messages"]),
    ("batch", lambda row: number(row["batch"])),
    ("ns/message", lambda row: number(row["ns_per_message"])),
    ("baseline ns", lambda row: number(row["baseline_ns_per_message"])),
    ("ratio", lambda row: times(row["ratio"])),
)
GROWTH = (
    ("patterns", lambda row: number(row["patterns"])),
    ("ns/message", lambda row: number(row["ns_per_message"])),
    ("of 1,000's", lambda row: times(row["growth"])),
    ("baseline ns", lambda row: number(row["baseline_ns_per_message"])),
    ("ratio", lambda row: times(row["ratio"])),
    ("cold s", lambda row: seconds(row["load_cold_seconds"])),
    ("cached s", lambda row: seconds(row["load_cached_seconds"]) or "n/a"),
    ("peak MiB", lambda row: mebibytes(row["resident_peak_bytes"])),
    ("baseline s", lambda row: seconds(row["baseline_compile_seconds"])),
)
STAGES = (
    ("rules", lambda row: row["rules"]),
    ("messages", lambda row: row["messages"]),
    *((name, lambda row, name=name: number(row[name])) for name in ("decode", "views", "search", "confirm", "decide", "ack")),
    ("together", lambda row: number(row["together"])),
)
THREADS = (
    ("rules", lambda row: row["rules"]),
    ("messages", lambda row: row["messages"]),
    ("threads", lambda row: number(row["threads"])),
    ("as fast as one", lambda row: times(row["ratio"])),
)
SECTIONS = (
    ("scan", "Scan", MAIN),
    ("load", "Load and memory", LOAD),
    ("batches", "Sizes of batches", BATCHES),
    ("growth", "Growth", GROWTH),
    ("stages", "Stages, ns a message", STAGES),
    ("threads", "Threads", THREADS),
    ("peers", "Peers, over a sample", PEERS),
)
LEFT = {"rules", "messages", "peer", ""}


def cells(columns, rows):
    """Header and lines as text; columns that hold nothing are left out."""
    lines = [[read(row) for _, read in columns] for row in rows]
    kept = [i for i in range(len(columns)) if any(line[i] for line in lines)]
    return [columns[i][0] for i in kept], [[line[i] for i in kept] for line in lines]


def plain(columns, rows):
    head, lines = cells(columns, rows)
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    out = []
    for line in [head, *lines]:
        parts = [cell.ljust(width) if title in LEFT else cell.rjust(width) for cell, width, title in zip(line, widths, head)]
        out.append("  ".join(parts).rstrip())
    return "\n".join(out)


def markdown(columns, rows):
    head, lines = cells(columns, rows)
    out = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if title in LEFT else "---:" for title in head) + "|"]
    return "\n".join(out + ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines])


def tables(report, write):
    """Every section that has rows: "title, table" each."""
    out = []
    for key, title, columns in SECTIONS:
        if report.get(key):
            out.append((title, write(columns, report[key])))
    return out
