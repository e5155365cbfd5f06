"""What a command does, for the command line and for Python alike: a resolved configuration in, a run out.

Nothing here prints or exits: what a person should know goes to a Progress, what is wrong is an exception.
"""
