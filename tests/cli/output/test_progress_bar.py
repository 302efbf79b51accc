from modelhub.cli.output import progress_bar
from modelhub.cli.output.progress_bar import TerminalProgress
from modelhub.cli.output.terminal import Terminal

SCREEN = Terminal(interactive=True, width=80)


def drive(progress, capsys):
    progress.start("recording", 100)
    progress.advance(50)
    progress.note("a remark\x1b")
    progress.start("counting", None, "files")
    progress.advance(1)
    progress.close()
    return capsys.readouterr().err


def test_off_a_terminal_only_remarks_are_shown(capsys):
    assert drive(TerminalProgress(Terminal()), capsys) == "a remark\\x1b\n"
    assert drive(TerminalProgress(SCREEN, quiet=True), capsys) == "a remark\\x1b\n"


def test_quick_work_shows_no_bar(capsys):
    assert drive(TerminalProgress(SCREEN), capsys) == "a remark\\x1b\n"


def test_longer_work_shows_a_bar_with_what_is_done(capsys, monkeypatch):
    monkeypatch.setattr(progress_bar, "DELAY_S", 3600.0)
    monkeypatch.setenv("TERM", "xterm")
    progress = TerminalProgress(SCREEN)
    progress.start("recording", 2_000_000)
    progress.advance(1_000_000)
    progress._appear()  # what the timer does after the delay
    progress.note("a remark")
    progress.start("writing", None, "files")
    progress.advance(3)
    progress.close()
    err = capsys.readouterr().err
    assert "recording" in err
    assert "1.00 MB of 2.00 MB" in err
    assert "a remark" in err


def test_closing_twice_and_working_on_is_harmless(capsys, monkeypatch):
    progress = TerminalProgress(SCREEN)
    progress.start("a", 1)
    progress.close()
    progress.close()
    progress.start("b", 1)
    progress.advance(1)
    assert capsys.readouterr().err == ""
