/**
 * Loaded into Ponder's process before Ponder. The channel to the supervisor closes when the supervisor dies, however
 * it dies; without this its Ponder would go on writing beside the next supervisor's.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();
if (!process.connected) process.kill(process.pid, 'SIGKILL');
