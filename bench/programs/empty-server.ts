/** Express that answers an empty JSON POST, the yardstick for HTTP: node empty-server.ts <port>. */
import express from 'express';

const app = express();
app.use(express.json());
app.post('/', (_request, response) => {
  response.json({});
});
app.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
