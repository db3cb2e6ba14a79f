import { Migration } from '@mikro-orm/migrations';

export class Migration20261122202108_audit extends Migration {
  override up(): void {
    this.addSql(`create table "identity"."audit_chains" ("owner_id" uuid not null, "sequence" bigint not null, "mac" bytea not null, "base_sequence" bigint not null, "base_mac" bytea not null, "base_signature" bytea not null, primary key ("owner_id"));`);
    this.addSql(`create table "identity"."audit_journal" ("id" uuid not null, "record" jsonb not null, "created_at" timestamptz(6) not null, "ended_at" timestamptz(6) null, primary key ("id"));`);
    this.addSql(`create index "audit_journal_created" on "identity"."audit_journal" ("created_at");`);
    this.addSql(`create table "identity"."audit_events" ("id" uuid not null, "owner_id" uuid not null, "sequence" bigint not null, "mac" bytea not null, "created_at" timestamptz(6) not null, "user_id" varchar(36) not null, "api_key_id" varchar(36) not null, "session_id" varchar(36) not null, "service" varchar(50) not null, "action" varchar(200) not null, "target" varchar(500) not null, "outcome" text not null, "request_id" varchar(128) not null, "address" varchar(45) not null, "before" text not null, "after" text not null, primary key ("id"));`);
    this.addSql(`create index "audit_events_owner" on "identity"."audit_events" ("owner_id", "created_at", "id");`);
    this.addSql(`create index "audit_events_created" on "identity"."audit_events" ("created_at", "id");`);
    this.addSql(`alter table "identity"."audit_events" add constraint "audit_events_chain" unique ("owner_id", "sequence");`);
    this.addSql(`alter table "identity"."audit_events" add constraint "audit_events_outcome_check" check ("outcome" in ('SUCCEEDED', 'FAILED', 'DENIED', 'UNFINISHED'));`);
  }
}
