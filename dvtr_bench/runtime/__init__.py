"""What every run stands on: device, processes, checkpoints, facts of the machine."""
