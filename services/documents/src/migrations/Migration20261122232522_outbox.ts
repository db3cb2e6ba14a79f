import { Migration } from '@mikro-orm/migrations';

export class Migration20261122232522_outbox extends Migration {
  override up(): void {
    this.addSql(`create table "documents"."outbox_events" ("seq" bigserial primary key, "key" varchar(255) not null, "type" varchar(255) not null, "payload" jsonb not null, "attempts" int not null default 0, "due_at" timestamptz(6) not null, "lease_id" uuid null, "created_at" timestamptz(6) not null);`);
    this.addSql(`create index "outbox_events_key_seq_index" on "documents"."outbox_events" ("key", "seq");`);
    this.addSql(`create index "outbox_events_due_at_index" on "documents"."outbox_events" ("due_at");`);
  }
}
