"""What is kept between runs, so that a second run does only what changed: trees of files, reports, compiled programs.

Whoever can write to a cache decides what a later check says. So it lies in a folder of the user's own that no
configuration can name, every entry is signed, and whatever does not fit is as good as not there. Deciding requests
reads it only for a host that asks for that.
"""
