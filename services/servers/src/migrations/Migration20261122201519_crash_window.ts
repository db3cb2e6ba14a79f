import { Migration } from '@mikro-orm/migrations';

export class Migration20261122201519_crash_window extends Migration {
  override up(): void {
    this.addSql(`alter table "servers"."placements" add "applied_at" timestamptz(6) null, add "checkpoint_seq" bigint not null default '0', add "checkpoint_next" bigint not null default '0', add "checkpoint_at" timestamptz(6) null, add "repair_seq" bigint not null default '0';`);
  }
}
