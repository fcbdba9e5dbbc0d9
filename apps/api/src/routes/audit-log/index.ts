import type { ApiDependencies } from '../../dependencies.ts';
import type { Route } from '../../routing.ts';
import { listAuditLog } from './list-audit-log.ts';

export const auditLogRoutes = (dependencies: ApiDependencies): Route[] => [listAuditLog(dependencies)];
