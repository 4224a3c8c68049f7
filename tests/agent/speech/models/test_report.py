from duologue.agent.speech.models.report import LineReport, megabytes


def test_lines_come_once_for_every_ten_percent_of_a_file() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    report.say("Fetching.")
    for done_bytes in range(0, 2_000_001, 50_000):
        report.progress("a", done_bytes, 2_000_000)
    report.progress("b", 500_000, 500_000)
    assert lines[0] == "Fetching."
    assert lines[1:-1] == [f"a: {percent} % of 2.0 MB" for percent in range(10, 101, 10)]
    assert lines[-1] == "b: 100 % of 0.5 MB"


def test_a_download_that_starts_again_repeats_no_line() -> None:
    lines: list[str] = []
    report = LineReport(lines.append)
    for done_bytes in (50, 0, 50, 60):
        report.progress("a", done_bytes, 100)
    assert [line.split(" %")[0] for line in lines] == ["a: 50", "a: 60"]


def test_sizes_are_decimal_megabytes() -> None:
    assert megabytes(98_362_432) == "98.4 MB"
