#!/usr/bin/python3
"""A short reload campaign: see tests/fault/reload-campaign."""

import pathlib
import subprocess
import sys

CAMPAIGN = pathlib.Path(__file__).resolve().parents[1] / "fault/reload-campaign"
sys.exit(subprocess.run([sys.executable, str(CAMPAIGN), "20", "7", "--kills", "0.1"], check=False).returncode)
