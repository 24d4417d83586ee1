"""What goes on beside the kills: editors at work, stories taken back, people who become one."""
