"""Messages of mailing lists: what a list takes as a post, and the header of the copies that its members get."""
