"""Several contours of one lesion fused into one."""
