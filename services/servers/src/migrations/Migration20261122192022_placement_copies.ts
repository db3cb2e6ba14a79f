import { Migration } from '@mikro-orm/migrations';

export class Migration20261122192022_placement_copies extends Migration {
  override up(): void {
    this.addSql(`alter table "servers"."placements" add "sync_seq" bigint not null default '0', add "is_written" boolean not null default true, add "copy_source" uuid null, add "copy_cursor" text null, add "copied" bigint not null default '0', add "copy_total" bigint not null default '0';`);
  }
}
