import { Migration } from '@mikro-orm/migrations';

export class Migration20261122232054_preferences extends Migration {
  override up(): void {
    this.addSql(`alter table "servers"."databases" add "read_preference" jsonb not null default '{}', add "fail_back" text not null default 'MANUAL', add "fail_back_delay_seconds" int not null default 60, add "home_placement_id" uuid null;`);
    this.addSql(`create index "databases_displaced" on "servers"."databases" ("id") where home_placement_id is not null;`);
    this.addSql(`alter table "servers"."databases" add constraint "databases_fail_back_check" check ("fail_back" in ('MANUAL', 'AUTOMATIC'));`);
  }
}
