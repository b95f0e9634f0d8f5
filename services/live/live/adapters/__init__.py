"""Access to everything outside the service: tables, queues, buckets and other AWS services."""
