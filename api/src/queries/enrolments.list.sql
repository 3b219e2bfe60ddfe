-- A page of ids in either direction, each walked along the index (site_id, id).
WITH page AS (
    (SELECT e.id FROM affiliate_enrolment e
     WHERE e.site_id = $1 AND $3::bigint IS NULL AND ($2::bigint IS NULL OR e.id < $2)
       AND ($5::bigint IS NULL OR e.id = $5) AND ($6::text IS NULL OR e.status = $6)
       AND ($7::bigint IS NULL OR e.program_id = $7) AND ($8::bigint IS NULL OR e.affiliate_id = $8)
     ORDER BY e.id DESC LIMIT $4)
    UNION ALL
    (SELECT e.id FROM affiliate_enrolment e
     WHERE e.site_id = $1 AND $3::bigint IS NOT NULL AND e.id > $3
       AND ($5::bigint IS NULL OR e.id = $5) AND ($6::text IS NULL OR e.status = $6)
       AND ($7::bigint IS NULL OR e.program_id = $7) AND ($8::bigint IS NULL OR e.affiliate_id = $8)
     ORDER BY e.id LIMIT $4)
)
SELECT e.id, e.program_id, p.name AS program_name, e.affiliate_id, a.name AS affiliate_name, e.status, e.message,
    e.answer, e.created_at, e.decided_at
FROM page JOIN affiliate_enrolment e ON e.site_id = $1 AND e.id = page.id
    JOIN affiliate_program p ON p.site_id = $1 AND p.id = e.program_id
    JOIN affiliate_affiliate a ON a.site_id = $1 AND a.id = e.affiliate_id
ORDER BY e.id DESC
