"""What the script of a scenario can do: start the endpoint on trial, and play the other side with raw sockets."""
