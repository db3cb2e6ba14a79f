import { Migration } from '@mikro-orm/migrations';

export class Migration20261122180500_embedding_identity extends Migration {
  override up(): void {
    this.addSql(`alter table "documents"."document_counters" add column "embedding" text null;`);
  }
}
