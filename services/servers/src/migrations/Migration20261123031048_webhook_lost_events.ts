import { Migration } from '@mikro-orm/migrations';

export class Migration20261123031048_webhook_lost_events extends Migration {
  override up(): void {
    this.addSql(`alter table "servers"."webhooks" add "lost_event_count" int not null default 0;`);
  }
}
