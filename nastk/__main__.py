"""The program: `python -m nastk`, and the command `nastk`."""

from nastk import interrupts


def main() -> None:
    """Importing the command line takes a moment, in which an interrupt may come, too."""
    interrupts.leave_at_once()
    from nastk.cli import main as run

    run()


if __name__ == "__main__":
    main()
