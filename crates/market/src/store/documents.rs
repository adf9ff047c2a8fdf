//! Rows of certification reports and SBOMs: which blob holds what of a submission's plan.

use crate::error::Result;
use sqlx::AnyConnection;

/// A report (`kind` `report`, one per plan) or an SBOM (`sbom` for CycloneDX, `spdx`; one of each per image).
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[allow(missing_docs, reason = "columns")]
pub struct DocumentRow {
    pub plan: String,
    pub kind: String,
    /// Digest of the manifest or index that it is about.
    pub subject: String,
    /// Empty for a report.
    pub platform: String,
    pub digest: String,
    pub size: i64,
}

/// Replaces the documents of a submission.
pub async fn put(c: &mut AnyConnection, submission: &str, rows: &[DocumentRow]) -> Result<()> {
    sqlx::query("DELETE FROM documents WHERE submission = $1").bind(submission).execute(&mut *c).await?;
    let sql = "INSERT INTO documents (submission, plan, kind, subject, platform, digest, size) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for row in rows {
        sqlx::query(sql)
            .bind(submission)
            .bind(&row.plan)
            .bind(&row.kind)
            .bind(&row.subject)
            .bind(&row.platform)
            .bind(&row.digest)
            .bind(row.size)
            .execute(&mut *c)
            .await?;
    }
    Ok(())
}

/// Documents of a submission by plan, kind and platform.
pub async fn of_submission(c: &mut AnyConnection, submission: &str) -> Result<Vec<DocumentRow>> {
    let sql = "SELECT plan, kind, subject, platform, digest, size FROM documents WHERE submission = $1 \
               ORDER BY plan, kind, platform, subject";
    Ok(sqlx::query_as(sql).bind(submission).fetch_all(c).await?)
}
