#!/usr/bin/python3
"""A short kill campaign: see tests/fault/kill-campaign."""

import pathlib
import subprocess
import sys

CAMPAIGN = pathlib.Path(__file__).resolve().parents[1] / "fault/kill-campaign"
sys.exit(subprocess.run([sys.executable, str(CAMPAIGN), "--cycles", "3", "--term", "2"], check=False).returncode)
