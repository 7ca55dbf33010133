import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArchiveTable, archiveTables } from '../../infra/constructs/views.ts';
import { duckdbType, literal, openWarehouse, type Warehouse } from '../../local/services/warehouse.ts';
import { rowText } from '../../shared/contracts/archive-rows.ts';
import { addUnloaded, archivedTrace, type UnloadedTrace } from '../../shared/contracts/archived-trace.ts';
import type { ArchivedTrace } from '../../shared/domain/backfilling/restore-traces.ts';

/** The tables of the archive in DuckDB, filled as Firehose fills them, and asked as Athena is. */
export class ArchiveTables {
  readonly #warehouse: Warehouse;
  readonly #folder = mkdtempSync(join(tmpdir(), 'assay-archive-'));

  private constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
  }

  static async open(): Promise<ArchiveTables> {
    const warehouse = await openWarehouse(undefined);
    await warehouse.connection.run('CREATE SCHEMA assay');
    for (const [table, columns] of Object.entries(archiveTables)) {
      const typed = Object.entries(columns).map(([name, type]) => `"${name}" ${duckdbType(type)}`);
      await warehouse.connection.run(`CREATE TABLE assay.${table} (${typed.join(', ')}, dt VARCHAR)`);
    }
    return new ArchiveTables(warehouse);
  }

  async add(table: ArchiveTable, rows: readonly object[], dt: string): Promise<void> {
    if (rows.length === 0) return;
    const file = join(this.#folder, 'rows.jsonl');
    writeFileSync(file, rows.map((row) => `${rowText(row)}\n`).join(''));
    const columns = Object.entries(archiveTables[table]).map(
      ([name, type]) => `${literal(name)}: ${literal(duckdbType(type))}`,
    );
    const source = `read_json(${literal(file)}, format = 'newline_delimited', columns = {${columns.join(', ')}}, maximum_object_size = 67108864)`;
    await this.#warehouse.connection.run(`INSERT INTO assay.${table} SELECT *, ${literal(dt)} FROM ${source}`);
  }

  async query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const reader = await this.#warehouse.connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  }

  /** What a query for rows of traces answers, as traces; the rows in any order. */
  async traces(sql: string): Promise<readonly ArchivedTrace[]> {
    const traces = new Map<string, UnloadedTrace>();
    for (const { bucket: _, ...row } of (await this.query(sql)).toReversed()) addUnloaded(JSON.stringify(row), traces);
    return [...traces.values()].flatMap((trace) => archivedTrace(trace) ?? []);
  }

  async clear(): Promise<void> {
    for (const table of Object.keys(archiveTables)) await this.#warehouse.connection.run(`DELETE FROM assay.${table}`);
  }

  close(): void {
    this.#warehouse.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
