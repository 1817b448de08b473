"""What a listing of a mailbox shows of each message, ready to be sorted, threaded, searched and sent."""
