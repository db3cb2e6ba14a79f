import { Migration } from '@mikro-orm/migrations';

export class Migration20261122195224_operations extends Migration {
  override up(): void {
    this.addSql(`create table "servers"."failover_events" ("id" uuid not null, "database_id" uuid not null, "from_placement_id" uuid not null, "to_placement_id" uuid not null, "reason" varchar(500) not null, "is_automatic" boolean not null, "detected_at" timestamptz(6) not null, "promoted_at" timestamptz(6) not null, "first_seq" bigint not null, "last_seq" bigint not null, primary key ("id"));`);
    this.addSql(`create index "failover_events_database" on "servers"."failover_events" ("database_id", "id");`);
    this.addSql(`create table "servers"."operations" ("id" uuid not null, "created_at" timestamptz(6) not null, "updated_at" timestamptz(6) not null, "version" int not null default 1, "owner_id" uuid not null, "database_id" uuid not null, "kind" text not null, "request" jsonb not null, "notes" jsonb not null default '{}', "stage" varchar(255) not null default '', "percentage" int not null default 0, "is_done" boolean not null default false, "is_cancel_requested" boolean not null default false, "is_forgotten" boolean not null default false, "failure" jsonb null, "response" jsonb null, "epoch" bigint not null default '0', "lease_owner" varchar(64) null, "lease_until" timestamptz(6) null, primary key ("id"));`);
    this.addSql(`create index "operations_owner_created" on "servers"."operations" ("owner_id", "created_at", "id");`);
    this.addSql(`create index "operations_created" on "servers"."operations" ("created_at", "id");`);
    this.addSql(`create unique index "operations_running" on "servers"."operations" ("database_id", "kind") where not is_done;`);
    this.addSql(`create table "servers"."connection_events" ("server_id" uuid not null, "id" uuid not null, "kind" text not null, "detail" varchar(500) not null, "created_at" timestamptz(6) not null, primary key ("server_id", "id"));`);
    this.addSql(`alter table "servers"."failover_events" add constraint "failover_events_database_id_foreign" foreign key ("database_id") references "servers"."databases" ("id") on delete cascade;`);
    this.addSql(`alter table "servers"."operations" add constraint "operations_kind_check" check ("kind" in ('MOVE', 'VERIFY', 'FAIL_OVER'));`);
    this.addSql(`alter table "servers"."connection_events" add constraint "connection_events_server_id_foreign" foreign key ("server_id") references "servers"."servers" ("id") on delete cascade;`);
    this.addSql(`alter table "servers"."connection_events" add constraint "connection_events_kind_check" check ("kind" in ('OPENED', 'CLOSED', 'FAILED', 'EVICTED', 'RECONFIGURED'));`);
  }
}
