import { Migration } from '@mikro-orm/migrations';

export class Migration20261122202615_audit_journal extends Migration {
  override up(): void {
    this.addSql(`create table "documents"."audit_journal" ("id" uuid not null, "record" jsonb not null, "created_at" timestamptz(6) not null, "ended_at" timestamptz(6) null, primary key ("id"));`);
    this.addSql(`create index "audit_journal_created" on "documents"."audit_journal" ("created_at");`);
  }
}
