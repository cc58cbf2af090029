import { Hono } from 'hono';

/** Ponder insists on an app. Rows are read in PostgreSQL; only its own /health, /ready and /status are served. */
export default new Hono();
