export { type AuditDeps, type AuditJournal, auditProvider } from "./src/audit.ts";
