import { Migration } from '@mikro-orm/migrations';

export class Migration20261122203253_departed_owners extends Migration {
  override up(): void {
    this.addSql(`create table "servers"."departed_owners" ("owner_id" uuid not null, "created_at" timestamptz(6) not null default now(), primary key ("owner_id"));`);
  }
}
