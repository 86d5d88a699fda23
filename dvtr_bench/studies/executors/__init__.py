"""Who carries runs out: this process, a process a device, or a Ray cluster; the same results."""
