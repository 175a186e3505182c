// Express on pg, a process for each core: lookup and redirect, no scan recorded.
const cluster = require("node:cluster");

const WORKERS = 2;
const SESSIONS = 8; // a process
const UNIT = `
select unit.token, unit.status, batch.activation_mode
  from minting_mintunit as unit join minting_mintbatch as batch on batch.id = unit.batch_id
 where unit.token = $1`;
const LINK = `${UNIT} and unit.serial is null and batch.gtin = $2`;

function serve() {
  const express = require("express");
  const { Pool } = require("pg");

  // The address and the password are libpq's variables; a named statement is prepared once.
  const pool = new Pool({ max: SESSIONS });
  const app = express();
  app.disable("x-powered-by");

  async function redirect(response, query) {
    const found = await pool.query(query);
    if (!found.rows.length) return response.sendStatus(404);
    response.set("Cache-Control", "no-store");
    response.redirect(307, `/p/${found.rows[0].token}`);
  }

  app.get("/01/:gtin/21/:serial", ({ params }, response) =>
    redirect(response, { name: "link", text: LINK, values: [params.serial, params.gtin] }));
  app.get("/mu/:token", ({ params }, response) =>
    redirect(response, { name: "unit", text: UNIT, values: [params.token] }));
  app.listen(Number(process.env.PORT), "127.0.0.1");
}

if (cluster.isPrimary) {
  for (let at = 0; at < WORKERS; at += 1) cluster.fork();
  cluster.on("exit", () => process.exit(1));
} else {
  serve();
}
