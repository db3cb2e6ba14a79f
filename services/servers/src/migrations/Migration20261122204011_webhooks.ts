import { Migration } from '@mikro-orm/migrations';

export class Migration20261122204011_webhooks extends Migration {
  override up(): void {
    this.addSql(`create table "servers"."webhooks" ("id" uuid not null, "owner_id" uuid not null, "url" varchar(2048) not null, "event_types" jsonb not null, "last_delivered_at" timestamptz(6) null, "last_failure" varchar(500) not null default '', "created_at" timestamptz(6) not null, primary key ("id"));`);
    this.addSql(`create index "webhooks_owner" on "servers"."webhooks" ("owner_id", "id");`);
    this.addSql(`alter table "servers"."operations" drop constraint "operations_kind_check";`);
    this.addSql(`alter table "servers"."operations" add constraint "operations_kind_check" check ("kind" in ('MOVE', 'VERIFY', 'FAIL_OVER', 'IMPORT'));`);
  }
}
