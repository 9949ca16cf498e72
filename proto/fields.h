/* The field numbers of weir.proto, for what is read and written without protobuf-c. */
#ifndef PROTO_FIELDS_H
#define PROTO_FIELDS_H

enum fields_batch { FIELDS_BATCH_ID = 1, FIELDS_BATCH_MESSAGES = 2 };

enum fields_message {
    FIELDS_MESSAGE_ID = 1,
    FIELDS_MESSAGE_CONVERSATION_ID = 2,
    FIELDS_MESSAGE_SENDER_ID = 3,
    FIELDS_MESSAGE_RECIPIENT_IDS = 4,
    FIELDS_MESSAGE_SENT_AT_MS = 5,
    FIELDS_MESSAGE_TEXT = 6,
    FIELDS_MESSAGE_LOCALE = 7,
    FIELDS_MESSAGE_ATTRIBUTES = 8,
};

/* Of an entry of a map. */
enum fields_entry { FIELDS_ENTRY_KEY = 1, FIELDS_ENTRY_VALUE = 2 };

enum fields_receipt {
    FIELDS_RECEIPT_BATCH_ID = 1,
    FIELDS_RECEIPT_ACCEPTED = 2,
    FIELDS_RECEIPT_REJECTED = 3,
    FIELDS_RECEIPT_STATUS = 4,
    FIELDS_RECEIPT_RETRY_AFTER_MS = 5,
    FIELDS_RECEIPT_REASON = 6,
};

enum fields_rejected { FIELDS_REJECTED_INDEX = 1, FIELDS_REJECTED_REASON = 2 };

#endif
