"""The table of `docs/wallets.md`, and a sentence on each "no" in it."""

from libraries import LIBRARIES, STAKING, why

COLUMNS = {
    "stake (P2TR coin)": ["stake-P2TR"],
    "stake (P2WPKH coin)": ["stake-P2WPKH"],
    "stake (P2SH-P2WPKH coin)": ["stake-P2SH-P2WPKH"],
    "unbonding": ["unbonding"],
    "slashing": ["slashing"],
    "withdrawal": ["withdrawal"],
    "makes proofs": ["make-P2TR", "make-P2WPKH", "make-ECDSA"],
    "verifies proofs": ["verify-P2TR", "verify-P2WPKH", "verify-ECDSA"],
}
KINDS = {"P2TR": "BIP-322 of P2TR", "P2WPKH": "BIP-322 of P2WPKH", "ECDSA": "signed messages"}


def render(cases, written, theirs):
    """Markdown: the table, the notes, and the table of what the libraries write."""
    found = {(case["library"], case["job"]): case for case in cases}
    notes, rows = {}, []
    for library in LIBRARIES:
        cells = [_cell(library.name, jobs, found, notes) for jobs in COLUMNS.values()]
        rows.append([f"`{library.name}`", library.version, *cells])
    lines = _table(["library", "version", *COLUMNS], rows)
    if notes:
        lines += ["", "What is not *yes*, by its number:", ""]
        lines += [f"{number}. {note}" for number, note in enumerate(notes.values(), start=1)]
    lines += ["", "PSBTs that others write, signed by `btcstake psbt sign`:", ""]
    by_job = {case["job"]: case for case in written}
    jobs = [column for column, (first, *_) in COLUMNS.items() if first in by_job]
    answers = [by_job[COLUMNS[column][0]] for column in jobs]
    go = ["yes" if answer["taken"] else f"no: {answer['product_says']}" for answer in answers]
    rows = [[f"`{written[0]['library']}`", written[0]["version"], *go],
            [f"`{STAKING.name}`", theirs["version"], *["yes"] * len(jobs)]]
    return "\n".join(lines + _table(["library", "version", *jobs], rows)) + "\n"


def _table(head, rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return [line(head), line(["---"] * len(head)), *map(line, rows)]


def _cell(name, jobs, found, notes):
    asked = [job for job in jobs if (name, job) in found]
    if not asked:
        return "–"
    missing = [job for job in asked if not found[name, job]["taken"]]
    if not missing:
        return "yes"
    numbers = []
    for job in missing:
        reason = why(name, job) or found[name, job]["library_says"] or found[name, job]["product_says"]
        notes.setdefault((name, reason), _note(name, job, found[name, job]))
        numbers.append(str(list(notes).index((name, reason)) + 1))
    numbers = ", ".join(dict.fromkeys(numbers))
    if len(asked) == 1:
        return f"no ({numbers})"
    taken = [KINDS[job.partition("-")[2]] for job in asked if job not in missing]
    return f"{', '.join(taken)}; not all ({numbers})" if taken else f"no ({numbers})"


def _note(name, job, case):
    who, said = ("It", case["library_says"]) if case["library_says"] else ("`btcstake`", case["product_says"])
    words = [f"`{name}`:", why(name, job) or f"not {job}."]
    return " ".join([*words, f'{who} says "{said}".'] if said else words)
