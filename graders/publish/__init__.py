"""What goes out: the release, the keys, the site, the self-study edition, the wheels."""
