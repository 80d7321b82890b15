"""The probes of sandboxes whose tests are about something else. All of them would cost more than most tests do."""

from executions.sandbox.checks.attacks import PROBES

FEW_PROBES = tuple(probe for probe in PROBES if probe.name.startswith("runs as nobody"))
