/** Synchronize in a process that kills itself: `node killed_sync.js FILE FILTER STATEMENTS`. */
import { DatabaseSync } from "@photostructure/sqlite";
import type { Database } from "../src/database.js";
import { Store } from "../src/store.js";
import { api } from "./support.js";

const [path = "", filter = "{}", statements = "0"] = process.argv.slice(2);
const database = new DatabaseSync(path);
let left = Number(statements);

function count(): void {
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
}

const counted: Database = {
  exec(sql) {
    count();
    database.exec(sql);
  },
  prepare(sql) {
    const statement = database.prepare(sql);
    return {
      run(...values) {
        count();
        return statement.run(...values);
      },
      all: (...values) => statement.all(...values),
    };
  },
  close: () => database.close(),
};

await new Store(counted, { api, filter: JSON.parse(filter), pageSize: 5 }).sync();
