import { Migration } from '@mikro-orm/migrations';

export class Migration20261122194058_server_health extends Migration {
  override up(): void {
    this.addSql(`create table "servers"."health_members" ("instance_id" varchar(64) not null, "lease_until" timestamptz(6) not null, primary key ("instance_id"));`);
    this.addSql(`create table "servers"."health_checks" ("server_id" uuid not null, "id" uuid not null, "checked_at" timestamptz(6) not null, "status" text not null, "latency_ms" real not null, "error_category" varchar(64) not null default '', "server_version" varchar(255) not null default '', "collections_count" int null, "storage_bytes" bigint null, "uptime" real null, primary key ("server_id", "id"));`);
    this.addSql(`create table "servers"."server_health" ("server_id" uuid not null, "status" text not null, "since_at" timestamptz(6) not null, "written_at" timestamptz(6) not null, primary key ("server_id"));`);
    this.addSql(`create index "server_health_written" on "servers"."server_health" ("written_at");`);
    this.addSql(`drop table if exists "servers"."server_checks" cascade;`);
    this.addSql(`alter table "servers"."health_checks" add constraint "health_checks_server_id_foreign" foreign key ("server_id") references "servers"."servers" ("id") on delete cascade;`);
    this.addSql(`alter table "servers"."health_checks" add constraint "health_checks_status_check" check ("status" in ('HEALTHY', 'DEGRADED', 'UNHEALTHY', 'UNKNOWN'));`);
    this.addSql(`alter table "servers"."server_health" add constraint "server_health_server_id_foreign" foreign key ("server_id") references "servers"."servers" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "servers"."server_health" add constraint "server_health_status_check" check ("status" in ('HEALTHY', 'DEGRADED', 'UNHEALTHY', 'UNKNOWN'));`);
  }
}
