"""hermes.py COUNT SCANDIR registers COUNT profiles in an empty scandir, as Hermes itself does.

It calls register_profile_gateway of the S6ServiceManager in hermes-agent once for each profile, in one process. Hermes starts
s6-svscanctl -a for each profile. Here that call does nothing. The script prints the milliseconds of the loop alone, without the
start of Python and of Hermes.
"""

import subprocess
import sys
import time
from pathlib import Path

from hermes_cli.service_manager import S6ServiceManager


def told(command, **_):
    """Replaces s6-svscanctl."""
    assert command[0].endswith("/s6-svscanctl"), command
    return subprocess.CompletedProcess(command, 0, "", "")


count, scandir = int(sys.argv[1]), Path(sys.argv[2])
subprocess.run = told
manager = S6ServiceManager(scandir=scandir)
# The first call imports more of Hermes, so it comes before the loop.
manager._render_finish_script()
began = time.monotonic()
for number in range(count):
    manager.register_profile_gateway(f"profile-{number}")
print((time.monotonic() - began) * 1000)
