"""The command line: every command under its name. With worker/commands it is the composition root, the only place that
builds real parts and puts them together.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 failed with one clear line, 2 wrong usage.
"""

from __future__ import annotations

import typer

from worker.commands import explain, live, local, operations

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
topics_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The Kafka topics that Pinocchio needs.")
letters_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Messages that nobody could handle.")


@app.callback()
def pinocchio() -> None:
    """Pinocchio listens to livestream shopping and flags false and exaggerated claims.

    Begin with `pinocchio demo`, then `pinocchio scan` a recording of yours. Every setting can come from the
    environment too: PINOCCHIO_SPEECH__DEVICE=cuda sets speech.device; configs/pinocchio.yaml shows them all.
    """


app.command("demo")(local.demo_command)
app.command("scan")(local.scan_command)
app.command("explain")(explain.explain_command)
app.command("work")(live.work_command)
app.command("replay")(live.replay_command)
app.command("check-config")(operations.check_config)
app.add_typer(topics_app, name="topics")
topics_app.command("create")(operations.topics_create)
app.add_typer(letters_app, name="dead-letters")
letters_app.command("list")(operations.letters_list)
letters_app.command("retry")(operations.letters_retry)


def main() -> None:
    """The program ``pinocchio``."""
    app()


if __name__ == "__main__":
    main()
