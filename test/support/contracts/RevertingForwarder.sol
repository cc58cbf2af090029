// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Pays a target in an inner frame that succeeds, inside a frame that reverts, inside a transaction that succeeds.
contract RevertingForwarder {
    function payAndSwallow(address payable target) external payable {
        try this.payAndRevert{value: msg.value}(target) {
            revert("payAndRevert must revert");
        } catch {
            // The payment is undone, the transaction is not.
        }
    }

    function payAndRevert(address payable target) external payable {
        (bool success, ) = target.call{value: msg.value}("");
        require(success, "the target refused");
        revert("undone");
    }
}
