/**
 * Another program that locks a database as a process of its own: SQLite lets two connections of one
 * process find each other without the operating system. Arguments: the file, the milliseconds.
 */
import { DatabaseSync } from "node:sqlite";

const [file = "", hold = "0"] = process.argv.slice(2);
const database = new DatabaseSync(file, { timeout: 10_000 });
database.exec("BEGIN IMMEDIATE");
process.stdout.write("locked\n");
setTimeout(() => {
  database.exec("COMMIT");
  database.close();
}, Number(hold));
